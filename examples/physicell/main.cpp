// A main.cpp for a PhysiCell project, without its pictures: what surrogate-plugin adds are two lines, and the report.
// Copy this file into a project, run `surrogate-plugin physicell init . --patch` there, then make.

#include <exception>
#include <iostream>
#include <omp.h>

#include "./core/PhysiCell.h"
#include "./modules/PhysiCell_standard_modules.h"
#include "./custom_modules/surrogate_backend.hpp"
#include "./custom_modules/custom.h"

using namespace BioFVM;
using namespace PhysiCell;

int main( int argc, char* argv[] )
{
	if( load_PhysiCell_config_file( argc > 1 ? argv[1] : "./config/PhysiCell_settings.xml" ) == false )
	{ return 1; }
	omp_set_num_threads( PhysiCell_settings.omp_num_threads );

	try
	{
		setup_microenvironment();
		surrogate::attach( microenvironment , "./config/surrogate.toml" );

		Cell_Container* cell_container = create_cell_container_for_microenvironment( microenvironment , 30 );
		create_cell_types();
		setup_tissue();

		double& now = PhysiCell_globals.current_time;
		while( now < PhysiCell_settings.max_time + 0.1 * diffusion_dt )
		{
			microenvironment.simulate_diffusion_decay( diffusion_dt );
			cell_container->update_all_cells( now );
			now += diffusion_dt;
		}
	}
	catch( const std::exception& error )
	{
		std::cerr << error.what() << std::endl;
		return 1;
	}

	const surrogate::Report report = surrogate::report( microenvironment );
	std::cout << report.solves << " fields solved for, held for " << report.held << " steps in all" << std::endl;
	for( const auto& substrate : report.substrates )
	{
		std::cout << substrate.name << ": answered by " << substrate.method << ", at most " << substrate.bound << " off" << std::endl;
	}
	return 0;
}
